-- Every row of events with its stay and what became of it; `used` are those that count.
select
  s.place,
  e.kind,
  e.event_text,
  cast(epoch(s.prediction_time) - epoch(e.event_time) as bigint) as seconds,
  cast(epoch(s.prediction_time) - epoch(e.known_time) as bigint) as known_seconds,
  case
    when s.place is null then 'of_other_stays'
    when e.unequal then 'of_unequal_lists'
    when e.kind is null then 'unknown_type'
    when e.event_text is null then 'without_text'
    when e.raw_time is null then 'without_time'
    when e.event_time is null or (e.raw_known is not null and e.known_time is null)
      then 'unreadable_time'
    when length(e.raw_time) > 10 and e.zoned <> s.zoned then 'of_mixed_zones'
    when length(e.raw_known) > 10 and e.known_zoned <> s.zoned then 'of_mixed_zones'
    when e.patient_id <> s.patient_id then 'of_another_patient'
    when e.event_time > s.prediction_time then 'after_prediction'
    when e.known_time > s.prediction_time then 'known_later'
    when epoch(s.prediction_time) - epoch(e.event_time) > 2147483647 then 'too_old'
    else 'used'
  end as fate
from (
  select
    stay_id,
    patient_id,
    unequal,
    raw_time,
    raw_known,
    nullif(trim(event_text), '') as event_text,
    list_position({kinds}, lower(trim(event_type))) - 1 as kind,
    {time} as event_time,
    -- On a bare date, at its end.
    greatest(
      {time},
      case
        when raw_known is null
          then case when length(raw_time) > 10 then {time} else {time} + interval '1 day' end
        else case when length(raw_known) > 10 then {known} else {known} + interval '1 day' end
      end
    ) as known_time_or_event,
    case
      when raw_known is not null and {known} is null then null else known_time_or_event
    end as known_time,
    regexp_matches(substr(raw_time, 11), '(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$') as zoned,
    regexp_matches(substr(raw_known, 11), '(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$') as known_zoned
  from (
    select
      * replace (
        nullif(trim(stay_id), '') as stay_id, nullif(trim(patient_id), '') as patient_id
      ),
      nullif(trim(event_time), '') as raw_time,
      nullif(trim(known_time), '') as raw_known
    from ({rows})
  )
) e
left join stays s on s.stay_id = e.stay_id
