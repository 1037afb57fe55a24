"""Git: the state of the work tree, and the project as it stood at a ref."""
