"""Data sets of event cameras and spike recordings: what is known of each without reading it. Plain data, no torch.

Checksums and addresses are those of tonic. Where a data set's size is not listed here, any part of it is accepted: the
fingerprint in each run's record tells the parts apart.
"""

from __future__ import annotations

from lightning_modules.data.distribution import Archive, RecordingFiles
from lightning_modules.data.facts import DatasetEntry, SplitFacts

_MENDELEY = "https://data.mendeley.com/public-files/datasets"
_FIGSHARE = "https://figshare.com/ndownloader/files"
_ZENKE = "https://zenkelab.org/datasets"
_TENTH = "a tenth of each class for validation, in the order of a hash of the index"


def _unknown(rule: str) -> SplitFacts:
    return SplitFacts(train=None, validation=None, test=None, sha256="", rule=rule)


def _of_cifar10dvs(rule: str, sha256: str = "") -> SplitFacts:
    return SplitFacts(train=8_100, validation=900, test=1_000, sha256=sha256, rule=rule)


DIGITS_DVS = DatasetEntry(
    name="digits_dvs",
    version="1",
    kind="events",
    shape=(2, 16, 16),
    classes=10,
    source="the digits of scikit-learn seen by a simulated event camera in three saccades (Orchard et al. 2015)",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.digits_dvs:load",
    splits={
        "digits_dvs-v1": SplitFacts(
            train=1078,
            validation=360,
            test=359,
            sha256="4722a0798e9b8beacae7326aa9f8fb059be72f03bb3f065b8605f9313e00cbaf",
            rule="a fifth of each class for test and a fifth for validation, in the order of a hash of the index",
        )
    },
)

NMNIST = DatasetEntry(
    name="nmnist",
    version="1",
    kind="events",
    shape=(2, 34, 34),
    classes=10,
    source="N-MNIST: Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets, 2015",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.nmnist:load",
    splits={"nmnist-v1": _unknown(f"the official test recordings (10,000 of all); of the 60,000 others {_TENTH}")},
    recordings=RecordingFiles(
        folder="NMNIST",
        needs=("Train", "Test"),
        page="https://www.garrickorchard.com/datasets/n-mnist",
        archives=(
            Archive(
                "train.zip",
                f"{_MENDELEY}/468j46mzdv/files/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
                "20959b8e626244a1b502305a9e6e2031",
            ),
            Archive(
                "test.zip",
                f"{_MENDELEY}/468j46mzdv/files/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
                "69ca8762b2fe404d9b9bad1103e97832",
            ),
        ),
        modules=("tonic",),
    ),
)

CIFAR10DVS = DatasetEntry(
    name="cifar10dvs",
    version="1",
    kind="events",
    shape=(2, 128, 128),
    classes=10,
    source="CIFAR10-DVS: Li et al., An Event-Stream Dataset for Object Classification, 2017",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.cifar10dvs:load",
    splits={
        "front90": _of_cifar10dvs(
            f"test: indices 91-99 and 909-999 of each class, the last tenth in the textual order of names (S-ResNet, "
            f"SEW); of the others {_TENTH}",
            "7d6e6cf9a0d602871d7b0f143c76e8362fc42dca725a261148cb2b54db809933",
        ),
        "first100": _of_cifar10dvs(
            f"test: indices 0-99 of each class (TEBN, PSN; known to score far higher); of the others {_TENTH}",
            "0736410ad9da82c23af4ff7a8216260712ab977ccf5135ef03f2c319906c6e2d",
        ),
        "front90-all": SplitFacts(
            train=9_000,
            validation=0,
            test=1_000,
            sha256="e3131d5d70168ac4ea0110c9239a503cdda6fa3cb3974c6b8877b0854eb893d7",
            rule="front90 without validation: what protocol paper_compat takes, since released code chooses on test",
        ),
    },
    seeded=_of_cifar10dvs(
        "a tenth of each class for test and 9 % for validation, in the order of a hash of seed and index"
    ),
    recordings=RecordingFiles(
        folder="CIFAR10DVS",
        needs=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        page="https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",
        archives=(Archive("CIFAR10DVS.zip", f"{_FIGSHARE}/38023437", "ce3a4a0682dc0943703bd8f749a7701c"),),
        modules=("tonic", "aedat"),
    ),
)

DVSGESTURE = DatasetEntry(
    name="dvsgesture",
    version="1",
    kind="events",
    shape=(2, 128, 128),
    classes=11,
    source="DVS128 Gesture: Amir et al., A Low Power, Fully Event-Based Gesture Recognition System, 2017",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.dvsgesture:load",
    splits={
        "dvsgesture-v1": _unknown(
            "test: users 24 to 29, as published; validation: users 21 to 23 of the training users, so that nobody is "
            "in two parts"
        )
    },
    recordings=RecordingFiles(
        folder="DVSGesture",
        needs=("ibmGestureTrain", "ibmGestureTest"),
        page="https://research.ibm.com/interactive/dvsgesture",
        archives=(
            Archive("ibmGestureTrain.tar.gz", f"{_FIGSHARE}/38022171", "3a8f0d4120a166bac7591f77409cb105"),
            Archive("ibmGestureTest.tar.gz", f"{_FIGSHARE}/38020584", "56070e45dadaa85fff82e0fbfbc06de5"),
        ),
        modules=(),
    ),
)

NCALTECH101 = DatasetEntry(
    name="ncaltech101",
    version="1",
    kind="events",
    shape=(2, 180, 240),
    classes=101,
    source="N-Caltech101: Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets, 2015",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.ncaltech101:load",
    splits={
        "ncaltech101-v1": _unknown(
            "a tenth of each class for test and a tenth for validation, in the order of a hash of the index"
        )
    },
    recordings=RecordingFiles(
        folder="NCALTECH101",
        needs=("Caltech101",),
        page="https://www.garrickorchard.com/datasets/n-caltech101",
        archives=(
            Archive(
                "N-Caltech101-archive.zip",
                f"{_MENDELEY}/cy6cvx3ryv/files/36b5c52a-b49d-4853-addb-a836a8883e49/file_downloaded",
                "66201824eabb0239c7ab992480b50ba3",
            ),
        ),
        modules=("tonic",),
    ),
)

SHD = DatasetEntry(
    name="shd",
    version="1",
    kind="events",
    shape=(1, 1, 700),
    classes=20,
    source="Spiking Heidelberg Digits: Cramer et al., The Heidelberg Spiking Data Sets, 2020",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.spoken:load",
    splits={"shd-v1": _unknown(f"the official test recordings; of the others {_TENTH}")},
    recordings=RecordingFiles(
        folder="SHD",
        needs=("shd_train.h5", "shd_test.h5"),
        page="https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
        archives=(
            Archive("shd_train.h5.zip", f"{_ZENKE}/shd_train.h5.zip", "f3252aeb598ac776c1b526422d90eecb"),
            Archive("shd_test.h5.zip", f"{_ZENKE}/shd_test.h5.zip", "1503a5064faa34311c398fb0a1ed0a6f"),
        ),
        modules=("h5py",),
    ),
)

SSC = DatasetEntry(
    name="ssc",
    version="1",
    kind="events",
    shape=(1, 1, 700),
    classes=35,
    source="Spiking Speech Commands: Cramer et al., The Heidelberg Spiking Data Sets, 2020",
    mean=(),
    std=(),
    loader="lightning_modules.data.events.spoken:load",
    splits={"ssc-v1": _unknown("the official training, validation and test recordings")},
    recordings=RecordingFiles(
        folder="SSC",
        needs=("ssc_train.h5", "ssc_valid.h5", "ssc_test.h5"),
        page="https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
        archives=(
            Archive("ssc_train.h5.zip", f"{_ZENKE}/ssc_train.h5.zip", "d102be95e7144fcc0553d1f45ba94170"),
            Archive("ssc_valid.h5.zip", f"{_ZENKE}/ssc_valid.h5.zip", "b4eee3516a4a90dd0c71a6ac23a8ae43"),
            Archive("ssc_test.h5.zip", f"{_ZENKE}/ssc_test.h5.zip", "a35ff1e9cffdd02a20eb850c17c37748"),
        ),
        modules=("h5py",),
    ),
)

ALL = (DIGITS_DVS, NMNIST, CIFAR10DVS, DVSGESTURE, NCALTECH101, SHD, SSC)
