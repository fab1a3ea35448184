"""The views: one file each, on `live.LiveScreen`, which pulls the snapshot while it is seen."""
