"""The sections of a report: each says in blocks what there is to say of one subject."""
