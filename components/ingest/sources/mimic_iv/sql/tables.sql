-- What the rows of one table come to: each row is counted once but for `stop_before_start`. Patients
-- with several stays are taken from the first admission to the last prediction.
select
  count(*) as rows,
  count(*) filter (where {unreadable}) as unreadable_time,
  count(*) filter (where {time} is null and not {unreadable}) as without_time,
  count(*) filter (where {time} is not null and s.{key} is null) as of_other_stays,
  count(*) filter (where {time} < s.first_time) as before_admission,
  count(*) filter (where {time} > s.last_time) as after_prediction,
  count(*) filter (
    where {time} between s.first_time and s.last_time and {known} > s.last_time
  ) as known_later,
  count(*) filter (where {stop}) as stop_before_start
from {table} t
left join (
  select {key}, min(admittime) as first_time, max(prediction_time) as last_time
  from ({stays}) every
  where step = 'kept'
  group by {key}
) s on s.{key} = t.{key}
