-- All events known by the prediction time of the stays that are kept, stay by stay in order of time.
with every as ({stays}),
stays as (select * from every where step = 'kept')
select
  stay_id,
  cast(extract(epoch from (prediction_time_of - event_time)) as bigint) as seconds,
  cast(extract(epoch from (prediction_time_of - known_time)) as bigint) as known_seconds,
  event_type,
  event_text
from (
  select e.*, s.prediction_time as prediction_time_of
  from ({union}) e join stays s on s.stay_id = e.stay_id
) told
order by stay_id, event_time, known_time, event_type, event_text {collation}
