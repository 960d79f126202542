"""Six goals of CRM: which customer needs what from whom, why, and what it is worth.

Each goal turns standings into candidates (Ibis) and these into actions; `suppression` decides which
become tasks.
"""
