"""What the previews say: engine results in, rows and paragraphs out. Pure; no widget, nothing is read as markup."""
