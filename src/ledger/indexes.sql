-- Made after the rows: sorting them once is faster than keeping them sorted.
CREATE INDEX due ON account (not_before, row) WHERE state = 'planned';
CREATE INDEX sessions_due ON account (not_before, row) WHERE sessions = 'due';
