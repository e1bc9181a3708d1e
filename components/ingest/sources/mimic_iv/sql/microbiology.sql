-- Cultures: specimen, organism, antibiotic and interpretation are known once they were stored; on a
-- bare date at its end.
select
  s.stay_id,
  coalesce(m.charttime, m.chartdate) as event_time,
  greatest(
    m.charttime,
    m.chartdate,
    coalesce(
      m.storetime,
      m.storedate + interval '1 day',
      m.charttime,
      m.chartdate + interval '1 day'
    )
  ) as known_time,
  3 as event_type,
  concat_ws(
    ' ', m.spec_type_desc, m.test_name, m.org_name, m.ab_name, m.interpretation
  ) as event_text
from stays s
join mimiciv_hosp.microbiologyevents m on m.subject_id = s.subject_id
where coalesce(m.charttime, m.chartdate) >= s.admittime
  and coalesce(m.charttime, m.chartdate) <= s.prediction_time
  and coalesce(
    m.storetime,
    m.storedate + interval '1 day',
    m.charttime,
    m.chartdate + interval '1 day'
  ) <= s.prediction_time
