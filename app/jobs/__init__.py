"""Long work in a process of its own, with progress, cancel and restart."""
