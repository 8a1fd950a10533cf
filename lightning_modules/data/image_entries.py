"""Data sets of images: what is known of each without reading it. Plain data, no torch.

Checksums are the published ones: of the files of CIFAR by their authors' archives, of idx files uncompressed.
"""

from __future__ import annotations

from lightning_modules.data.distribution import DataFile, Distribution, Download
from lightning_modules.data.facts import DatasetEntry, SplitFacts

_CIFAR_URL = "https://www.cs.toronto.edu/~kriz"
_MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist"
_FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
TENTH = "a tenth for validation, every class alike, in the order of a hash of the index"
_OFFICIAL = f"the official test images; of the training images {TENTH}"


def _all(train: int, sha256: str) -> SplitFacts:
    rule = "the official parts, no validation: what protocol paper_compat takes, since released code chooses on test"
    return SplitFacts(train=train, validation=0, test=10_000, sha256=sha256, rule=rule)


_CIFAR_ALL = _all(50_000, "3d2f23ac53b7554e421669611010fc74660a38c37fd9ef2e64cdce217c5ae857")
_MNIST_ALL = _all(60_000, "af3a81b1681e721c1c4063594da0212c546a739d77be30b73d18fcf4a6a07ac4")

# What S-ResNet normalises both CIFARs with (Vicente-Sola et al. 2022).
_CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
_CIFAR_STD = (0.2023, 0.1994, 0.2010)


def _idx(images: str, labels: str, test_images: str, test_labels: str) -> tuple[DataFile, ...]:
    return (
        DataFile("train-images-idx3-ubyte", images, "train", 0, 60_000),
        DataFile("train-labels-idx1-ubyte", labels, "train", 0, 60_000),
        DataFile("t10k-images-idx3-ubyte", test_images, "test", 0, 10_000),
        DataFile("t10k-labels-idx1-ubyte", test_labels, "test", 0, 10_000),
    )


DIGITS = DatasetEntry(
    name="digits",
    version="1",
    kind="image",
    shape=(1, 8, 8),
    classes=10,
    source="scikit-learn load_digits: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998",
    mean=(0.304784,),
    std=(0.375474,),
    loader="lightning_modules.data.digits:load",
    splits={
        "digits-v1": SplitFacts(
            train=1078,
            validation=360,
            test=359,
            sha256="cfddf1c75f63ba98260a6d5cab7e1f9e2353cf3490dc22af99bde7b3959107ec",
            rule="a fifth of each class for test and a fifth for validation, in the order of a hash of the index",
        )
    },
    white=16,
)

CIFAR10 = DatasetEntry(
    name="cifar10",
    version="1",
    kind="image",
    shape=(3, 32, 32),
    classes=10,
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    mean=_CIFAR_MEAN,
    std=_CIFAR_STD,
    loader="lightning_modules.data.official:load_cifar",
    splits={
        "cifar10-v1": SplitFacts(
            train=45_000,
            validation=5_000,
            test=10_000,
            sha256="fdb6f0f3161b8a4bb7280edf3c7cfa7a8ebd347bebfcb7401a2670cd6af54fe5",
            rule=_OFFICIAL,
        ),
        "cifar10-all-v1": _CIFAR_ALL,
    },
    distribution=Distribution(
        folders=("cifar-10-batches-py",),
        files=(
            DataFile("data_batch_1", "c99cafc152244af753f735de768cd75f", "train", 0, 10_000),
            DataFile("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec", "train", 10_000, 10_000),
            DataFile("data_batch_3", "54ebc095f3ab1f0389bbae665268c751", "train", 20_000, 10_000),
            DataFile("data_batch_4", "634d18415352ddfa80567beed471001a", "train", 30_000, 10_000),
            DataFile("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb", "train", 40_000, 10_000),
            DataFile("test_batch", "40351d587109b95175f43aff81a1287e", "test", 0, 10_000),
        ),
        downloads=(Download(f"{_CIFAR_URL}/cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170_498_071),),
    ),
    training_images=50_000,
    test_images=10_000,
)

CIFAR100 = DatasetEntry(
    name="cifar100",
    version="1",
    kind="image",
    shape=(3, 32, 32),
    classes=100,
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    mean=_CIFAR_MEAN,
    std=_CIFAR_STD,
    loader="lightning_modules.data.official:load_cifar",
    splits={
        "cifar100-v1": SplitFacts(
            train=45_000,
            validation=5_000,
            test=10_000,
            sha256="1182d8400a0557a2fe4ce108c1541fc7d446c35ea7e7e6d15ca8000e5faf2fa5",
            rule=_OFFICIAL,
        ),
        "cifar100-all-v1": _CIFAR_ALL,
    },
    distribution=Distribution(
        folders=("cifar-100-python",),
        files=(
            DataFile("train", "16019d7e3df5f24257cddd939b257f8d", "train", 0, 50_000),
            DataFile("test", "f0ef6b0ae62326f3e7ffdfab6717acfc", "test", 0, 10_000),
        ),
        downloads=(Download(f"{_CIFAR_URL}/cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", 169_001_437),),
    ),
    training_images=50_000,
    test_images=10_000,
)

MNIST = DatasetEntry(
    name="mnist",
    version="1",
    kind="image",
    shape=(1, 28, 28),
    classes=10,
    source="LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998",
    mean=(0.1307,),
    std=(0.3081,),
    loader="lightning_modules.data.official:load_idx",
    splits={
        "mnist-v1": SplitFacts(
            train=54_000,
            validation=6_000,
            test=10_000,
            sha256="3d3a48b408badc91591c8d45d20c16fd69a937657fb7098992b17b2be043696d",
            rule=_OFFICIAL,
        ),
        "mnist-all-v1": _MNIST_ALL,
    },
    distribution=Distribution(
        folders=("mnist", "MNIST/raw"),
        files=_idx(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
        downloads=(
            Download(f"{_MNIST_URL}/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
            Download(f"{_MNIST_URL}/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
            Download(f"{_MNIST_URL}/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
            Download(f"{_MNIST_URL}/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
        ),
    ),
    training_images=60_000,
    test_images=10_000,
)

FASHION_MNIST = DatasetEntry(
    name="fashion_mnist",
    version="1",
    kind="image",
    shape=(1, 28, 28),
    classes=10,
    source="Xiao, Rasul and Vollgraf, Fashion-MNIST (1708.07747), 2017",
    mean=(0.2860,),
    std=(0.3530,),
    loader="lightning_modules.data.official:load_idx",
    splits={
        "fashion_mnist-v1": SplitFacts(
            train=54_000,
            validation=6_000,
            test=10_000,
            sha256="51f97a55d5271344c14ddffa927cc1fd6311ae01a549afb9d94fef4f1152b6b7",
            rule=_OFFICIAL,
        ),
        "fashion_mnist-all-v1": _MNIST_ALL,
    },
    distribution=Distribution(
        folders=("fashion-mnist", "FashionMNIST/raw"),
        files=_idx(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
        downloads=(
            Download(f"{_FASHION_URL}/train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
            Download(f"{_FASHION_URL}/train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
            Download(f"{_FASHION_URL}/t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
            Download(f"{_FASHION_URL}/t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        ),
    ),
    training_images=60_000,
    test_images=10_000,
)

ALL = (DIGITS, CIFAR10, CIFAR100, MNIST, FASHION_MNIST)
