-- The entries of a group are found in the log's order.
--
-- Before: an index finds the entries of a group, which are sorted then: many for a change of many extensions.
-- After:  the index has them in order, as those of the other filters have (migration 0008).

DROP INDEX public.extension_audit_log_group;
CREATE INDEX extension_audit_log_by_group ON public.extension_audit_log (group_id, revision)
    WHERE group_id IS NOT NULL AND revision IS NOT NULL;
