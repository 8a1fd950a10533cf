"""Write the guides of docs/examples again from the tables beside them: python docs/examples/regenerate.py"""

from __future__ import annotations

from pathlib import Path

from reports.guide import write_guide
from reports.results import StudyResults

for study in sorted(path.parent for path in Path(__file__).parent.glob("*/results.json")):
    write_guide(StudyResults.read(study), study)
    print(study.name)
