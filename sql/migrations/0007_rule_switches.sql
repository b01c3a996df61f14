-- Rules that were turned off or on at work. Run as cardea_owner in schema audit.

create table audit.rule_switch (
    rule text primary key,
    enabled boolean not null,
    actor text not null,
    reason text,
    changed_at timestamptz not null
);
comment on table audit.rule_switch is 'Which rules were turned off or on, by name or id; every worker follows within seconds, and the record keeps who did it.';
