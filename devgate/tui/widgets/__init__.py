"""Line-drawn widgets: they show rows, lines and parts, and know nothing of devgate."""
