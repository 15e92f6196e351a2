"""Can the camera see? Its own faults as events: offline, frozen, dark, covered, blurred, moved.

    Scene, Frozen (a picture -> what is wrong with it now) -> Spell (does it last?) -> CameraView (the camera's thread)
    Silence (no pictures at all; asked from a thread that no camera can hold up)
    ViewEvents (what they say -> drafts of records)

`docs/view.md` says what each kind means and what it cannot tell.
"""

from edge.view.camera import CameraView
from edge.view.events import ViewEvents
from edge.view.silence import Silence
from edge.view.spell import KINDS, ViewKind, ViewSignal

__all__ = ["KINDS", "CameraView", "Silence", "ViewEvents", "ViewKind", "ViewSignal"]
