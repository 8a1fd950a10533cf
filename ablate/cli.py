"""The command line: parse, call, print. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from ablate.errors import RequestError, StudyError

app = typer.Typer(
    name="ablate",
    help="Ablation studies of spiking neural networks: one study file in, one design guide out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Ablation studies of spiking neural networks: one study file in, one design guide out."""
    if version:
        from importlib.metadata import version as installed

        print(f"ablate {installed('ablate-snn')}")
        raise typer.Exit


StudyArgument = Annotated[
    str, typer.Argument(help="A packaged study's name, a YAML file, a study directory, or its name in ./studies.")
]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings as path=value, in the paths of the study file.")]
Directory = Annotated[str | None, typer.Option("--dir", help="The study directory; studies/<name> by default.")]
Storage = Annotated[
    str | None,
    typer.Option(help="Database for the ledger, sqlite:///FILE or postgresql+psycopg://USER@HOST/DB; else a file."),
]
Branch = Annotated[str, typer.Option(help="Keep a changed study beside the one that was run before.")]


@app.command()
def run(
    study: StudyArgument,
    overrides: Overrides = None,
    directory: Directory = None,
    branch: Branch = "main",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat the runs that failed.")] = False,
    confirm: Annotated[
        str | None, typer.Option(help="Then run cells on fresh seeds: best, top3, or a cell as ablate status names it.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many fresh seeds --confirm takes; 5 by default.")
    ] = None,
    storage: Storage = None,
    preflight: Annotated[
        bool | None, typer.Option("--preflight/--no-preflight", help="Try every cell first; long studies by default.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Tell what the runs spend their time on.")] = False,
    accept_code: Annotated[
        bool, typer.Option("--accept-code", help="Go on with other code than computed the runs so far.")
    ] = False,
) -> None:
    """Run what is missing of a study, then write its report.

    The study remembers its --storage, but no password: give that in PGPASSWORD, in ~/.pgpass or with the URL.
    Exit codes: 0 all planned runs complete, 1 some failed or cannot run, 2 the request is wrong, 130 after Ctrl-C.

    Example: ablate run quickstart seeds=3 axes.residual=[plain,sew_add]
    """
    from ablate.commands import run as command

    raise typer.Exit(
        command.main(
            study,
            overrides or [],
            directory,
            branch,
            retry_failed=retry_failed,
            confirm=confirm,
            seeds=seeds,
            storage=storage,
            accept_code=accept_code,
            preflight=preflight,
            profile=profile,
        )
    )


@app.command()
def plan(
    study: StudyArgument,
    overrides: Overrides = None,
    directory: Directory = None,
    branch: Branch = "main",
    storage: Storage = None,
    pilot: Annotated[
        str | None, typer.Option(help="A smaller study of the same kind: the SD of its differences is assumed.")
    ] = None,
) -> None:
    """Show what a study would run, what it costs, and what it can and cannot tell. Runs and writes nothing.

    Example: ablate plan quickstart timesteps=8
    """
    from ablate.commands import plan as command

    raise typer.Exit(command.main(study, overrides or [], directory, branch, storage, pilot))


@app.command()
def status(
    study: StudyArgument,
    directory: Directory = None,
    storage: Storage = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show changes until the study has ended.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Add the log's last lines of every failed run.")] = False,
) -> None:
    """Show every cell and seed of a study: complete, failed and why, running, missing; throughput and time left.

    Exit code 0. With --watch: 0 when all planned runs are complete, 1 when some failed or nobody works on the study any
    more, 130 after Ctrl-C.

    Example: ablate status quickstart
    """
    from ablate.commands import status as command

    raise typer.Exit(command.main(study, directory, storage, watch=watch, failed=failed))


Source = Annotated[str, typer.Option(help="Where the runs are: ledger, or wandb:entity/project/study[@branch].")]


@app.command()
def report(
    studies: Annotated[
        list[str] | None, typer.Argument(metavar="STUDY", help="Names, directories or folders with a report.")
    ] = None,
    directory: Directory = None,
    source: Source = "ledger",
    out: Annotated[
        str | None, typer.Option(help="With --source or several studies: the folder to write to; <studies>-report.")
    ] = None,
    storage: Storage = None,
) -> None:
    """Write the tables and the design guide of a study again from its runs, or from Weights & Biases alone.

    Several studies are put side by side: the same contrasts, each study with its own verdict, and whether they agree.

    Example: ablate report quickstart
    """
    from ablate.commands import report as command

    raise typer.Exit(command.main(studies or [], directory, source, out, storage))


@app.command()
def explain(
    arguments: Annotated[list[str], typer.Argument(metavar="STUDY AXIS=LEVEL", help="The study and the guide's row.")],
    directory: Directory = None,
    source: Source = "ledger",
) -> None:
    """Show the runs, values, formula and commit behind a number of the guide.

    With --source wandb:entity/project/study the study is named already.

    Example: ablate explain quickstart residual=plain
    """
    from ablate.commands import explain as command

    raise typer.Exit(command.main(arguments, directory, source))


@app.command()
def check(
    study: StudyArgument,
    claims: Annotated[str, typer.Argument(metavar="CLAIMS", help="A YAML file with a list of sentences under claims.")],
    directory: Directory = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcomes as JSON, unrounded, with run ids.")
    ] = False,
) -> None:
    """Check claims about a study: "sew_add beats plain by 0.5 points at T <= 4", "bn matches bntt within 1 point".

    Exit codes: 0 all claims hold, 1 at least one does not (refuted, undecided or not testable), 2 the request or the
    file is wrong and nothing was evaluated.

    Example: ablate check quickstart claims.yaml
    """
    from ablate.commands import check as command

    raise typer.Exit(command.main(study, claims, directory, as_json=as_json))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A study, its directory, or a folder with a report.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one with the same cells.")],
) -> None:
    """Compare two studies of the same cells, run by run: did a new version or machine change anything?

    Example: ablate compare quickstart@before quickstart
    """
    from ablate.commands import compare as command

    raise typer.Exit(command.main(first, second))


@app.command()
def sync(study: StudyArgument, directory: Directory = None, storage: Storage = None) -> None:
    """Upload to Weights & Biases what is offline: runs, tables, guide, study file and best checkpoints.

    What is there already is left alone; needs a key (wandb login).

    Example: ablate sync quickstart
    """
    from ablate.commands import sync as command

    raise typer.Exit(command.main(study, directory, storage))


@app.command()
def publish(study: StudyArgument, directory: Directory = None, storage: Storage = None) -> None:
    """Make a workspace and a report of a study in Weights & Biases, or bring them up to date in place.

    Uploads first what is not there yet, as sync does.

    Example: ablate publish quickstart
    """
    from ablate.commands import publish as command

    raise typer.Exit(command.main(study, directory, storage))


@app.command()
def doctor(
    study: StudyArgument,
    directory: Directory = None,
    storage: Storage = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended; the ledger is the truth.")] = False,
) -> None:
    """Say where a study's ledger, its files and Weights & Biases differ.

    Example: ablate doctor quickstart --fix
    """
    from ablate.commands import doctor as command

    raise typer.Exit(command.main(study, directory, storage, fix=fix))


@app.command()
def axes(
    axis: Annotated[str | None, typer.Argument(help="One axis; all of them by default.")] = None,
) -> None:
    """List the levels of every axis, with definition, options and source.

    Example: ablate axes residual
    """
    from ablate.commands import axes as command

    raise typer.Exit(command.main(axis))


@app.command()
def data(
    name: Annotated[str | None, typer.Argument(help="One data set; all of them by default.")] = None,
    root: Annotated[str | None, typer.Option(help="Folder for data sets, as data.root; else the user's cache.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Get the files that are missing, checked.")] = False,
) -> None:
    """List data sets with their splits, hashes, sources and files; download one.

    Example: ablate data cifar10 --download
    """
    from ablate.commands import data as command

    raise typer.Exit(command.main(name, root, download=download))


@app.command()
def dashboard(
    study: StudyArgument,
    directory: Directory = None,
    view: Annotated[str | None, typer.Option(help="wandb, optuna or guide; what fits by default.")] = None,
) -> None:
    """Open what a study has logged: W&B's terminal dashboard, Optuna's, or the HTML guide.

    Example: ablate dashboard quickstart --view guide
    """
    from ablate.commands import dashboard as command

    raise typer.Exit(command.main(study, directory, view))


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint of a run (runs/<run_id>/checkpoints/best.ckpt).")],
    dataset: Annotated[str, typer.Option("--data", help="The data set on whose test part to evaluate.")],
    root: Annotated[str | None, typer.Option(help="Folder with the data set's files.")] = None,
    timesteps: Annotated[int | None, typer.Option(help="Run with another T, for levels that allow it.")] = None,
    steps: Annotated[str | None, typer.Option(help="Cut the readout after these steps: 1..T, 1..4 or 1,2,4.")] = None,
) -> None:
    """Test accuracy of a checkpoint, also against the number of inference steps.

    Example: ablate evaluate X.ckpt --data digits --steps 1..T
    """
    from ablate.commands import evaluate as command

    raise typer.Exit(command.main(checkpoint, dataset, root, timesteps, steps))


@app.command("import-checkpoint")
def import_checkpoint(
    path: Annotated[str, typer.Argument(help="A checkpoint of the S-ResNet paper's authors (.pth.tar).")],
    out: Annotated[str, typer.Option(help="Where to write the checkpoint.")],
    classes: Annotated[int | None, typer.Option(help="Number of classes; fewer than outputs means boosting.")] = None,
    leak: Annotated[float, typer.Option(help="The leak it was trained with; the file does not hold it.")] = 0.874,
) -> None:
    """Turn a checkpoint of the paper's authors into one that `evaluate` reads.

    Example: ablate import-checkpoint cifar10.pth.tar --classes 10 --leak 0.874 --out cifar10.ckpt
    """
    from ablate.commands import import_checkpoint as command

    raise typer.Exit(command.main(path, classes, leak, out))


def main() -> None:
    """Entry point: a mistake of the request is one line and exit code 2, Ctrl-C is 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no sign for a check mark
    try:
        code = app(standalone_mode=False)
    except (RequestError, StudyError) as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        # A folder that is a file, a full disk, a name too long: the machine's state, which a traceback would only hide.
        _fail(f"{error.filename or 'files'}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except Exception as error:
        _usage(error)
    # Click gives back the code of an Exit instead of raising it when it is not to end the process itself.
    sys.exit(code or 0)


def _usage(error: Any) -> None:
    """Wrong options are the parser's to explain; anything else is a defect and keeps its traceback."""
    if not hasattr(error, "format_message"):
        raise error
    _fail(error.format_message(), 2)


def _fail(message: str, code: int) -> None:
    print(f"ablate: {message}", file=sys.stderr)
    sys.exit(code)
