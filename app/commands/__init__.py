"""The commands of `fewclick`. Modules here import typer only; everything heavy waits inside the functions."""
