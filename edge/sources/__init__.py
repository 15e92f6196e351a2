"""Where frames come from: cameras over RTSP, and clips from disk."""
