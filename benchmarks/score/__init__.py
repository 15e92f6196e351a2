"""How often what the edge says happened, did: the hand-checked clips, as they are and spoilt, against the truth."""
