"""Server-rendered pages: one module and one template of the same name per page. Forms work without JavaScript."""
