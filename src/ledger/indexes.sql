-- Made after the rows: sorting them once is faster than keeping them sorted.
CREATE INDEX due ON account (not_before, row) WHERE state = 'planned' AND method IS NULL;
CREATE INDEX writeback_due ON account (not_before, row) WHERE state = 'planned' AND method = 'writeback';
CREATE INDEX accepted_due ON account (not_before, row) WHERE state = 'accepted';
CREATE INDEX sessions_due ON account (not_before, row) WHERE sessions = 'due';
