"""What a trace tells of a statement: its verb and its first table, and never a value."""

from __future__ import annotations

import pytest

from identra.db.traced import summary

STATEMENTS = {
    'SELECT "a" FROM "identra_users" WHERE "id" = ?': "SELECT identra_users",
    "SELECT 1 AS pong": "SELECT",
    "INSERT INTO `identra_events` (id) VALUES (%s)": "INSERT identra_events",
    "UPDATE identra_sessions SET generation = 1": "UPDATE identra_sessions",
    'DELETE FROM "identra_state" WHERE id IN (SELECT id FROM x)': "DELETE identra_state",
    "\n  select secret": "SELECT",
}


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_statement_is_told_by_its_verb_and_table(sql: str) -> None:
    assert summary(sql) == STATEMENTS[sql]
