"""Study files that come with the installation, as package data."""
