"""What must hold for the project as a whole: its packaging, its imports, what its files may name."""
