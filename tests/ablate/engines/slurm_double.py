"""The four commands of SLURM that matter, acting on this machine: arrays are run, states are kept in a file.

What they print and refuse is what those of SLURM 22.05 did, on a cluster without an accounting database.
"""

from __future__ import annotations

import sys
from pathlib import Path

_SBATCH = """#!{python}
import os, re, subprocess, sys
from pathlib import Path
text = Path(sys.argv[-1]).read_text()
if "refused" in text:
    sys.exit("sbatch: error: invalid partition specified: refused")
submitted = Path({folder!r})
number = str(len(list(submitted.glob("job-*"))) + 1)
(submitted / f"job-{{number}}").write_text(text)
array = re.search(r"--array=0-(\\d+)", text)
memory = {{"SLURM_MEM_PER_NODE": "1024"}} if "--mem=" in text else {{}}
for place in range(int(array[1]) + 1 if array else 1):
    task = {{"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(place)}} if array else {{}}
    known = {{"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0"}}
    known |= memory | {{"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_JOB_NODELIST": "here"}}
    with (submitted / "states").open("a") as states:
        states.write(f"{{number}}_{{place}}|RUNNING\\n" if array else f"{{number}}|RUNNING\\n")
    quiet = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}}
    subprocess.Popen(["sh", sys.argv[-1]], env=os.environ | known | task, **quiet)
print(f"Submitted batch job {{number}}")
"""
_SRUN = """#!/bin/sh
if [ -n "$SLURM_MEM_PER_CPU" ] && [ -n "$SLURM_MEM_PER_NODE" ]; then
    echo "srun: fatal: SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE are mutually exclusive." >&2
    exit 1
fi
while :; do case "$1" in --unbuffered) shift;; --*) shift 2;; *) break;; esac; done
exec "$@"
"""
_SQUEUE = """#!/bin/sh
if [ -e {folder}/unreachable ]; then
    echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2
    exit 1
fi
cat {folder}/states
"""
_SCANCEL = """#!/bin/sh
echo "$@" >> {folder}/cancelled
"""


def install(folder: Path) -> Path:
    """Write the commands into `folder`/bin; what they were told lies in `folder`."""
    commands = folder / "bin"
    commands.mkdir(parents=True)
    (folder / "states").touch()
    for name, text in {"sbatch": _SBATCH, "srun": _SRUN, "squeue": _SQUEUE, "scancel": _SCANCEL}.items():
        filled = text if name == "srun" else text.format(python=sys.executable, folder=str(folder))
        (commands / name).write_text(filled)
        (commands / name).chmod(0o755)
    return commands
