"""The only writer to the workspace: tables, repositories, migrations and the content-addressed files."""
