"""`countersign evaluate`: the options, and the report as a table, as JSON and as an HTML page."""
