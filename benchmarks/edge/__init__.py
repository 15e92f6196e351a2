"""What an edge costs and finds, over real RTSP: quiet, busy and mixed sites."""
