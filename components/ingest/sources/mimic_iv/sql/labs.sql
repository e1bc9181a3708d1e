-- Laboratory results. A result is known once it was stored. A quarter of them name no admission, so
-- that they are found by patient and time.
select
  s.stay_id,
  l.charttime as event_time,
  greatest(l.charttime, l.storetime) as known_time,
  2 as event_type,
  concat_ws(
    ' ',
    d.label,
    nullif(l.value, '___'),
    l.valueuom,
    '(' || {lower} || '–' || {upper} || ')',
    l.flag
  ) as event_text
from stays s
join mimiciv_hosp.labevents l on l.subject_id = s.subject_id
left join (select itemid, min(label) as label from mimiciv_hosp.d_labitems group by itemid) d
  on d.itemid = l.itemid
where l.charttime >= s.admittime
  and l.charttime <= s.prediction_time
  and greatest(l.charttime, l.storetime) <= s.prediction_time
