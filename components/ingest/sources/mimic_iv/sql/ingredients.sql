-- Ingredients of infusions count from their start; amount, rate and status only once stored.
select
  s.stay_id,
  e.starttime as event_time,
  e.starttime as known_time,
  4 as event_type,
  concat_ws(
    ' ',
    d.label,
    case when e.storetime <= s.prediction_time then {amount} end,
    case when e.storetime <= s.prediction_time then e.amountuom end,
    case when e.storetime <= s.prediction_time then {rate} end,
    case when e.storetime <= s.prediction_time then e.rateuom end,
    case when e.storetime <= s.prediction_time then e.statusdescription end
  ) as event_text
from stays s
join mimiciv_icu.ingredientevents e on e.hadm_id = s.hadm_id
left join (select itemid, min(label) as label from mimiciv_icu.d_items group by itemid) d
  on d.itemid = e.itemid
where e.starttime >= s.admittime
  and e.starttime <= s.prediction_time
