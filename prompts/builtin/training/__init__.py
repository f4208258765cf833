"""How the built-in promptable model was trained; not needed to use it."""
