-- Cultures: specimen, organism, antibiotic and interpretation are known once they were stored; on a
-- bare date at its end. Of one taken on the day of admission, its hour not told, nobody knows that it
-- was before, unless it was stored before: it counts from the admission on.
select
  stay_id,
  event_time,
  greatest(event_time, chartdate, stored) as known_time,
  3 as event_type,
  event_text
from (
  select
    s.stay_id,
    s.admittime,
    s.prediction_time,
    m.chartdate,
    coalesce(
      m.charttime,
      case
        when m.chartdate < s.admittime and m.chartdate >= date_trunc('day', s.admittime)
          and (m.storetime is null or m.storetime >= s.admittime)
          then s.admittime
        else m.chartdate
      end
    ) as event_time,
    coalesce(
      m.storetime,
      m.storedate + interval '1 day',
      m.charttime,
      m.chartdate + interval '1 day'
    ) as stored,
    concat_ws(
      ' ', m.spec_type_desc, m.test_name, m.org_name, m.ab_name, m.interpretation
    ) as event_text
  from stays s
  join mimiciv_hosp.microbiologyevents m on m.subject_id = s.subject_id
) told
where event_time >= admittime
  and event_time <= prediction_time
  and stored <= prediction_time
