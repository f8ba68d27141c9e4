drop table if exists task;
create table task (
    id bigint generated always as identity primary key,
    user_id varchar(255) not null,
    title varchar(200) not null,
    description varchar(10000),
    completed boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index task_owner_newest on task (user_id, created_at desc, id desc);
