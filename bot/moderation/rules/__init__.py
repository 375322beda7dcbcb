"""One kind of rule per file; the package is scanned."""
