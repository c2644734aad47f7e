"""Studies: several families on one cohort and one split, measured alike, told apart in pairs."""

from synthesis.study.study import Finished, StudyRun
from synthesis.study.summary import Entry, StudyResult, result_of
from synthesis.study.tables import comma_separated, markdown
from synthesis.study.writing import write_result

__all__ = [
    "Entry",
    "Finished",
    "StudyResult",
    "StudyRun",
    "comma_separated",
    "markdown",
    "result_of",
    "write_result",
]
