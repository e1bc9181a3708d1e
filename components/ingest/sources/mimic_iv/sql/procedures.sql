-- Procedures count from their start; duration and status only once they were stored.
select
  s.stay_id,
  e.starttime as event_time,
  e.starttime as known_time,
  1 as event_type,
  concat_ws(
    ' ',
    d.label,
    e.location,
    case when e.storetime <= s.prediction_time then {value} end,
    case when e.storetime <= s.prediction_time then e.valueuom end,
    case when e.storetime <= s.prediction_time then e.statusdescription end
  ) as event_text
from stays s
join mimiciv_icu.procedureevents e on e.hadm_id = s.hadm_id
left join (select itemid, min(label) as label from mimiciv_icu.d_items group by itemid) d
  on d.itemid = e.itemid
where e.starttime >= s.admittime
  and e.starttime <= s.prediction_time
