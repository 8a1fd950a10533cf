"""Claims about a study: what a sentence says, which runs it is about, and whether they bear it out."""
