"""`countersign demo`: a whole case through public doors, as the people of an office would do it."""
