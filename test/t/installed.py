"""What an installation of the extension consists of, object by object, as text that two installations can be compared by."""

from tenancy import rows

# Each statement answers the identity of an object and all that can be said of it. Order of columns and of privileges does not count.
_STATEMENTS = {
    "extension": """
        SELECT 'extension', format('version %s, schema %s, relocatable %s', e.extversion, e.extnamespace::regnamespace, e.extrelocatable)
        FROM pg_extension AS e WHERE e.extname = 'pg_tenancy'""",
    "dumped": """
        SELECT c.oid::regclass, x.condition
        FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (relation, condition)
        JOIN pg_class AS c ON c.oid = x.relation
        WHERE e.extname = 'pg_tenancy'""",
    "member": """
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid), obj_description(d.objid, d.classid::regclass::text)
        FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
        WHERE e.extname = 'pg_tenancy' AND d.deptype = 'e'""",
    "function": """
        SELECT p.oid::regprocedure, format('%s owner %s acl %s', CASE p.prokind WHEN 'a' THEN
               (SELECT format('aggregate %s %s %s %s', a.aggtransfn, a.aggtranstype::regtype, p.proparallel, a.agginitval)
                FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)
               ELSE pg_get_functiondef(p.oid) END, p.proowner::regrole,
               ARRAY(SELECT x::text FROM unnest(p.proacl) AS x ORDER BY 1))
        FROM pg_proc AS p WHERE p.pronamespace = 'tenancy'::regnamespace""",
    "relation": """
        SELECT c.oid::regclass, format('%s %s rls %s %s options %s owner %s acl %s view %s', c.relkind, c.relpersistence, c.relrowsecurity,
               c.relforcerowsecurity, ARRAY(SELECT x FROM unnest(c.reloptions) AS x ORDER BY 1), c.relowner::regrole,
               ARRAY(SELECT x::text FROM unnest(c.relacl) AS x ORDER BY 1), CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END)
        FROM pg_class AS c WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind <> 'i'""",
    "column": """
        SELECT format('%s.%s', a.attrelid::regclass, a.attname),
               format('%s null %s default %s statistics %s storage %s comment %s acl %s', format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
                      pg_get_expr(d.adbin, d.adrelid), a.attstattarget, a.attstorage, col_description(a.attrelid, a.attnum),
                      ARRAY(SELECT x::text FROM unnest(a.attacl) AS x ORDER BY 1))
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'tenancy'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraint": """
        SELECT format('%s on %s', k.conname, k.conrelid::regclass), format('%s valid %s', pg_get_constraintdef(k.oid), k.convalidated)
        FROM pg_constraint AS k WHERE k.connamespace = 'tenancy'::regnamespace""",
    "index": """
        SELECT i.indexrelid::regclass, format('%s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE c.relnamespace = 'tenancy'::regnamespace""",
    "trigger": """
        SELECT format('%s on %s', t.tgname, t.tgrelid::regclass), format('%s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'tenancy'::regnamespace AND NOT t.tgisinternal""",
    "policy": """
        SELECT format('%s on %s', p.policyname, p.tablename), format('%s %s %s using %s check %s', p.permissive, p.roles, p.cmd, p.qual, p.with_check)
        FROM pg_policies AS p WHERE p.schemaname = 'tenancy'""",
    "wrapper": """
        SELECT w.fdwname, format('%s %s owner %s acl %s', w.fdwhandler::regproc, w.fdwvalidator::regproc, w.fdwowner::regrole,
               ARRAY(SELECT x::text FROM unnest(w.fdwacl) AS x ORDER BY 1))
        FROM pg_foreign_data_wrapper AS w WHERE w.fdwname = 'tenant_fdw'""",
    "role": """
        SELECT r.rolname, format('login %s members of %s', r.rolcanlogin,
               ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members AS m WHERE m.member = r.oid ORDER BY 1))
        FROM pg_roles AS r WHERE r.rolname IN ('tenancy_user', 'tenancy_admin')""",
    "schema": """
        SELECT n.nspname, ARRAY(SELECT x::text FROM unnest(n.nspacl) AS x ORDER BY 1)::text
        FROM pg_namespace AS n WHERE n.nspname = 'tenancy'""",
}


def objects(session):
    """{(kind, identity): description} of everything in the installation."""
    rows(session, "SET search_path = pg_catalog")
    found = {}
    for kind, statement in _STATEMENTS.items():
        for identity, description in rows(session, statement):
            found[(kind, str(identity))] = description
    return found


def differences(left, right):
    """Lines that say what one installation has and the other has not, or has otherwise."""
    lines = []
    for key in sorted(left.keys() | right.keys()):
        if key not in right:
            lines.append("only updated: %s %s" % key)
        elif key not in left:
            lines.append("only fresh: %s %s" % key)
        elif left[key] != right[key]:
            lines.append("%s %s\n  updated: %s\n  fresh:   %s" % (*key, left[key], right[key]))
    return lines
