"""SQL of migrations: cut into statements, what the platform runs of it, and what it would do to data. Text in, facts out."""
