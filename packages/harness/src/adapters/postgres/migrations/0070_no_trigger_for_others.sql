-- Whoever may carry out a function that runs as the owner may hang it on a table of his own, and what it writes into the evidence is then
-- what he put into that table. 0024 forgot to say so of one.

revoke all on function assent.audit_principal() from public;
