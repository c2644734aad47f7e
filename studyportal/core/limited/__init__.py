"""Work on bytes that strangers sent, in a child process that may take only so much memory and time."""

from studyportal.core.limited.bounds import Bounds, Watch
from studyportal.core.limited.parent import ChildBroke, ChildEnded, LimitedChild

__all__ = ["Bounds", "ChildBroke", "ChildEnded", "LimitedChild", "Watch"]
