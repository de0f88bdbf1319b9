"""What cells show: live views, charts, reports, and their one look."""
