"""How sure it is: pure functions of plain values, the standard library only."""
