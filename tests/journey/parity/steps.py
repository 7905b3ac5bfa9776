"""The journey, as a table: what a person does, and what must be seen, on every platform alike.

Read by `test_parity`, which lets one person of each platform go through it, from the top to the end, on the real product. Two apps are
made: *todos* by the starter, which is changed, deployed, rolled back and deleted; and *notes* by a model, which crashes and is mended.
Nothing in here knows a platform. Where one cannot do as the others do, the step goes by `Walk.do`, and `substitutes` names what it does
instead.
"""

from __future__ import annotations

from tests.journey.parity import commanding, making, running
from tests.journey.parity.walk import Step

STEPS = (
    Step(name="a channel asks to be told", does=making.asks_for_news, sees=making.nothing_more),
    Step(name="the form, when typed bare", does=making.types_it_bare, sees=making.sees_what_it_asked_for),
    Step(name="one status card", does=making.waits_for_files, sees=making.sees_progress),
    Step(name="Cancel", does=making.cancels, sees=making.sees_it_cancelled),
    Step(name="a command, and the review card", does=making.asks, sees=making.sees_the_review),
    Step(name="tokens and settings of a model's app", does=making.waits_for_notes, sees=making.sees_what_a_model_used),
    Step(name="Files", does=making.opens_a_file, sees=making.sees_the_file),
    Step(name="Setup", does=making.asks_for_setup, sees=making.sees_the_setup),
    Step(name="Download .zip", does=making.downloads, sees=making.sees_the_archive),
    Step(name="Change… by form", does=making.changes_by_form, sees=making.sees_the_difference),
    Step(name="a reply in the thread", does=making.changes_by_reply, sees=making.sees_the_next_revision),
    Step(name="Approve & deploy", does=running.approves, sees=running.sees_it_live),
    Step(name="the address", does=running.opens_the_app, sees=running.sees_the_app),
    Step(name="Reveal", does=running.reveals, sees=running.sees_the_password_alone),
    Step(name="Logs", does=running.reads_the_log, sees=running.sees_the_log_grow),
    Step(name="Settings", does=running.changes_settings, sees=running.sees_the_name_alone),
    Step(name="Rollback…", does=running.rolls_back, sees=running.sees_the_data_of_then),
    Step(name="Stop", does=running.stops, sees=running.sees_it_stopped),
    Step(name="Start", does=running.starts, sees=running.sees_it_started),
    Step(name="Restart", does=running.restarts, sees=running.sees_it_started),
    Step(name="deploy, typed in the thread", does=running.deploys_by_command, sees=running.sees_notes_live),
    Step(name="a crash", does=running.loses_it, sees=running.sees_the_crash),
    Step(name="Propose a fix", does=running.proposes_a_fix, sees=running.sees_the_fix),
    Step(name="Discard", does=running.discards, sees=running.sees_it_discarded),
    Step(name="every command", does=commanding.types_every_command, sees=commanding.sees_that_none_is_missing),
    Step(name="settings of the workspace", does=commanding.decides_for_the_workspace, sees=making.nothing_more),
    Step(name="a half-typed command", does=commanding.types_half_a_command, sees=commanding.sees_what_it_was_to_be),
    Step(name="a mistyped command", does=commanding.mistypes, sees=commanding.sees_it_alone),
    Step(name="delete", does=commanding.deletes, sees=commanding.sees_nothing_left_to_press),
    Step(name="news, and nothing twice", does=commanding.reads_the_news, sees=commanding.sees_each_once),
)
