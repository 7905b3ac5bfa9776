"""The engine's face: everything that a person can do or see, whichever platform they come from.

Called by the dialogue, the API and the web page. Every method checks that the principal may; refusals are `UserError`s with the
reason. It answers from the ledger; the work itself is done by whichever worker takes it from the queue.
"""
