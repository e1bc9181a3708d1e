-- A hospital in MIMIC-IV's layout, all its tables' own columns. `$stays` admissions with an ICU stay
-- and as many without; `$longest` events at least are known of the first stay.
create macro draw(i, j, k) as hash(i, j, k) / 18446744073709551616.0;
create macro after(start, hours) as start + to_minutes(cast(60 * (hours) as bigint));
-- Most draws fall on few things, as most orders are of few drugs.
create macro common(share, things) as cast(floor(things * share * share * share) as bigint);

create temp table own as
select
  i,
  i < $stays as icu,
  -- Every fifth admission is of the patient before.
  10000000 + i - cast(i % 5 = 4 as bigint) as subject_id,
  20000000 + i as hadm_id,
  30000000 + i as stay_id,
  after(
    timestamp '2150-01-01 00:00:00',
    24 * ((i - cast(i % 5 = 4 as bigint)) % 1000 + 400 * cast(i % 5 = 4 as bigint)) + 24 * draw(i, 0, 1)
  ) as admittime,
  after(admittime, 1 - 12 * ln(draw(i, 0, 2))) as intime,
  -- A fifth leaves before the prediction.
  after(intime, 3 + case when i > 0 and i % 5 = 1 then 20 * draw(i, 0, 3) else 21 - 40 * ln(draw(i, 0, 3)) end)
    as outtime,
  after(outtime, 24 + 96 * draw(i, 0, 4)) as dischtime,
  draw(i, 0, 5) < 0.1 as died,
  after(intime, 24) as prediction,
  -- Log-normal about a mean of one, for events before the prediction are a few hundred.
  greatest(
    exp(0.7 * sqrt(-2 * ln(draw(i, 0, 6))) * cos(2 * pi() * draw(i, 0, 7)) - 0.245),
    case when i = 0 then $longest / 180.0 else 0 end
  ) as weight
from range(2 * $stays) t(i);

-- table icu/icustays
select subject_id, hadm_id, stay_id, 'Medical Intensive Care Unit (MICU)' as first_careunit,
  'Medical Intensive Care Unit (MICU)' as last_careunit, intime, outtime,
  date_diff('minute', intime, outtime) / 1440.0 as los
from own where icu;

-- table icu/d_items
select 220000 + i as itemid, 'Item of the unit ' || i as label, 'Item ' || i as abbreviation,
  'inputevents' as linksto, 'Fluids/Intake' as category, 'ml' as unitname, 'Solution' as param_type,
  null as lownormalvalue, null as highnormalvalue
from range(4000) t(i);

-- table hosp/admissions
select subject_id, hadm_id, admittime, dischtime, case when died then dischtime end as deathtime,
  'URGENT' as admission_type, 'P03YMR' as admit_provider_id,
  'TRANSFER FROM HOSPITAL' as admission_location, 'HOME' as discharge_location,
  'Medicaid' as insurance, 'ENGLISH' as language, 'MARRIED' as marital_status, 'WHITE' as race,
  null as edregtime, null as edouttime, cast(died as integer) as hospital_expire_flag
from own;

-- table hosp/patients
select distinct subject_id, case when subject_id % 2 = 0 then 'F' else 'M' end as gender,
  40 + subject_id % 50 as anchor_age, 2150 as anchor_year, '2011 - 2013' as anchor_year_group,
  null as dod
from own;

-- table hosp/d_labitems
select 50800 + i as itemid, 'Substance ' || i as label, 'Blood' as fluid, 'Chemistry' as category
from range(1600) t(i);

-- table hosp/labevents
select i * 1000000 + j as labevent_id, subject_id,
  case when draw(i, j, 1) < 0.75 then hadm_id end as hadm_id, i * 100000 + j // 8 as specimen_id,
  50800 + item as itemid, null as order_provider_id, moment as charttime,
  case when draw(i, j, 2) < 0.97 then after(moment, 0.2 + 2 * draw(i, j, 3)) end as storetime,
  case when draw(i, j, 4) < 0.04 then '___' else cast(number as varchar) end as value,
  number as valuenum, 'mg/dL' as valueuom, 1.0 + item % 7 as ref_range_lower,
  9.5 + item % 7 as ref_range_upper, case when number > 9.5 + item % 7 then 'abnormal' end as flag,
  'ROUTINE' as priority, case when draw(i, j, 4) < 0.04 then '___' end as comments
from (
  select own.*, j, common(draw(i, j, 5), 1600) as item,
    cast(15 * draw(i, j, 6) as decimal(8, 1)) as number,
    -- One in five lies before the prediction.
    case when icu and draw(i, j, 7) < 0.2
      then after(admittime, draw(i, j, 8) * date_diff('hour', admittime, prediction))
      else after(prediction, 24 * 200 * draw(i, j, 8)) end as moment
  from own, unnest(range(cast(ceil(600 * case when icu then 2 * weight else 1 end) as bigint))) t(j)
);

-- table hosp/prescriptions
select subject_id, hadm_id, i * 100000 + j as pharmacy_id, subject_id || '-' || j as poe_id,
  j as poe_seq, 'P10YA1' as order_provider_id,
  after(admittime, share * date_diff('hour', admittime, dischtime)) as starttime,
  after(starttime, 48 * draw(i, j, 9)) as stoptime, 'MAIN' as drug_type,
  'Drug number ' || item as drug, 'DRUG' || item as formulary_drug_cd, '004380' as gsn,
  '63323026201' as ndc, '5000 Units / mL- 1mL Vial' as prod_strength, 'VIAL' as form_rx,
  cast(1 + item % 20 as varchar) as dose_val_rx, 'mg' as dose_unit_rx, '1' as form_val_disp,
  'VIAL' as form_unit_disp, 1 as doses_per_24_hrs, 'IV' as route
from (
  select own.*, j, draw(i, j, 10) as share, common(draw(i, j, 11), 3000) as item
  from own, unnest(range(cast(ceil(100 * case when icu then weight else 0.3 end) as bigint))) t(j)
);

-- table hosp/microbiologyevents
select i * 100000 + j as microevent_id, subject_id, hadm_id, i * 10000 + j // 4 as micro_specimen_id,
  null as order_provider_id, date_trunc('day', moment) as chartdate,
  case when draw(i, j, 12) < 0.9 then moment end as charttime, 70000 + item as spec_itemid,
  'SPECIMEN ' || item as spec_type_desc, 1 as test_seq,
  date_trunc('day', after(moment, 36)) as storedate,
  case when draw(i, j, 13) < 0.9 then after(moment, 12 + 48 * draw(i, j, 14)) end as storetime,
  90000 + item as test_itemid, 'CULTURE ' || item as test_name,
  case when j % 3 = 0 then 80000 + item end as org_itemid,
  case when j % 3 = 0 then 'ORGANISM ' || item % 30 end as org_name, null as isolate_num,
  null as quantity, null as ab_itemid, case when j % 3 = 0 then 'DRUG ' || j % 25 end as ab_name,
  null as dilution_text, null as dilution_comparison, null as dilution_value,
  case when j % 3 = 0 then substr('SIR', 1 + j % 2, 1) end as interpretation, null as comments
from (
  select own.*, j, common(draw(i, j, 15), 80) as item,
    after(admittime, draw(i, j, 16) * date_diff('hour', admittime, dischtime)) as moment
  from own, unnest(range(cast(ceil(40 * case when icu then weight else 0.3 end) as bigint))) t(j)
);

-- table icu/procedureevents
select subject_id, hadm_id, stay_id, 4793 as caregiver_id,
  after(intime, share * date_diff('hour', intime, outtime)) as starttime,
  after(starttime, length) as endtime, after(endtime, 0.5) as storetime,
  220000 + common(draw(i, j, 17), 150) as itemid, cast(60 * length as bigint) as value,
  'min' as valueuom, case when j % 4 = 0 then 'Left' end as location, null as locationcategory,
  i * 1000 + j as orderid, i * 1000 + j as linkorderid, 'Ventilation' as ordercategoryname,
  'ContinuousProcess' as ordercategorydescription, 103 as patientweight, 1 as isopenbag,
  0 as continueinnextdept, 'FinishedRunning' as statusdescription, 3410 as originalamount,
  1 as originalrate
from (
  select own.*, j, draw(i, j, 18) as share, 0.25 * ceil(200 * draw(i, j, 19)) as length
  from own, unnest(range(cast(ceil(20 * weight) as bigint))) t(j)
  where icu
);

-- table icu/ingredientevents
select subject_id, hadm_id, stay_id, 4793 as caregiver_id,
  after(intime, share * date_diff('hour', intime, outtime)) as starttime,
  after(starttime, length) as endtime, after(endtime, 0.1) as storetime,
  220000 + common(draw(i, j, 20), 60) as itemid, 10.0 * ceil(30 * draw(i, j, 21)) * length as amount,
  'ml' as amountuom, 10.0 * ceil(30 * draw(i, j, 21)) as rate, 'mL/hour' as rateuom,
  i * 1000 + j as orderid, i * 1000 + j as linkorderid, 'FinishedRunning' as statusdescription,
  0 as originalamount, 10.0 * ceil(30 * draw(i, j, 21)) as originalrate
from (
  select own.*, j, draw(i, j, 22) as share, 0.25 * ceil(16 * draw(i, j, 23)) as length
  from own, unnest(range(cast(ceil(200 * weight) as bigint))) t(j)
  where icu
);
