-- Which trace a run belongs to: that of the request that submitted it (W3C Trace Context).
alter table assent.runs add column traceparent text
  check (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');
