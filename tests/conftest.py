from tests.gst_camera import gst_camera

__all__ = ["gst_camera"]
