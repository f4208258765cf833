"""The promptable model that ships with the package: small, trained here, no download. Importing it imports no torch."""
