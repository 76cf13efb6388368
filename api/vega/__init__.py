"""Charts: what is to be drawn, the drawing by Altair and vl-convert, and the process that it is done in."""
