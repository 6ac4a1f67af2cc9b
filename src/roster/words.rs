//! The words of tools and languages for what a column contains, without case, accents, spaces and punctuation.
//!
//! Only lists of words with spaces between them. Each word is the whole name of a column, unless its list says
//! otherwise.

/// Whether the list has this word.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// Whether a text contains one of the list's words.
pub(super) fn has_part(list: &str, text: &str) -> bool {
    list.split_ascii_whitespace().any(|part| text.contains(part))
}

/// Words for the account itself. A column with such a name is chosen if its values are addresses.
pub(super) const ACCOUNT: &str = "\
    userprincipalname upn username userid memberobjectidorupn memberobjectidoruserprincipalname benutzername \
    benutzerprinzipalname nomdutilisateur nomdutilisateurprincipal nombredeusuario nombreprincipaldeusuario \
    nomeutente nomedeusuario nomedeutilizador gebruikersnaam anvandarnamn brugernavn brukernavn kayttajanimi \
    kayttajatunnus nazwauzytkownika uzivatelskejmeno felhasznalonev kullaniciadi windowsliveid \
    nomedellentitautente nomeprincipaldousuario nomeprincipaldoutilizador ユーザープリンシパル名 用户主体名称 \
    имяучастникапользователя";

/// Words for a sign-in name of some system. Such a column is never chosen by its name alone, but a mail column does not
/// beat it either.
pub(super) const SIGN_IN: &str = "\
    account accountname anmeldename compte cuenta identifiant identifiantdeconnexion inloggningsnamn inlognaam \
    konto kontoname login loginid loginname loginnaam logon logonid logonname networkid networklogin netzwerkname \
    networklogonid samaccountname signin signinid signinname studentlogin studentusername studentwebid \
    teacherloginid user userlogin userlogonname userprincipal usuario utente utilisateur utilizador webid";

/// Words for the id of an Entra ID object.
pub(super) const OBJECT_ID: &str = "\
    objectid userobjectid memberobjectid externaldirectoryobjectid azureadobjectid aadobjectid entraobjectid \
    entraidobjectid microsoftentraobjectid";

/// Words for ids that are never those of Entra ID accounts, although many look like them.
pub(super) const OTHER_ID: &str = "\
    activationid agentsourcedids appid archiveguid azureaddeviceid azuretenantid classid correlationid deviceid \
    disabledarchiveguid easactivationid exchangeguid guid homedirectoryguid immutableid intunedeviceid \
    licenseassignmentdetails mailboxguid mailboxplanid objectguid onpremisesimmutableid organizationid \
    orgsourcedids requestid runspaceid schoolid schoolsisid sisid skuid sourcedid tenantid userids";

/// Words for a mail address.
pub(super) const MAIL: &str = "\
    mail email emails emailaddress mailaddress primaryemail primaryemailaddress primarymail primarysmtpaddress \
    workemail workemailaddress useremail emailid mailadresse emailadresse adresseemail adressemail courriel \
    adresseelectronique correo correoelectronico direccionesdecorreoelectronico indirizzoemail postaelettronica \
    mailadres emailadres enderecodeemail epost epostadress epostadresse adresemail";

/// Words for a second address of the same user, which by definition is not a sign-in name. These are the only columns
/// of addresses that do not compete with a mail column.
pub(super) const SECOND_MAIL: &str = "\
    alternateemail alternateemailaddress alternateemailaddresses alternativeemail alternativeemailaddress \
    authenticationemail backupemail emailaliases homesecondaryemail othermail othermails proxyaddresses \
    recoveryemail recoveryemailaddress secondaryemail secondaryemailaddress secondarymail worksecondaryemail \
    alternativeemailadresse adressededecourrierdesecours correoelectronicoalternativo";

/// Words for a person's name or a part of it.
pub(super) const PERSON_NAME: &str = "\
    displayname name fullname namegivenname namefamilyname namefullname givenname firstname forename middlename \
    surname lastname familyname preferredname anzeigename vorname rufname nachname familienname nomcomplet \
    nomdaffichage prenom nom nomdefamille nombreparamostrar nombre apellido apellidos cognome nome roepnaam \
    voornaam achternaam weergavenaam fornamn efternamn fornavn efternavn etternavn etunimi sukunimi imie nazwisko \
    sobrenome apelido";
/// Words for the given name.
pub(super) const GIVEN: &str = "\
    givenname firstname forename middlename namegivenname vorname rufname prenom voornaam roepnaam fornamn fornavn \
    etunimi imie";
/// Words for the family name.
pub(super) const FAMILY: &str = "\
    surname lastname familyname namefamilyname nachname familienname nomdefamille apellido apellidos cognome \
    achternaam efternamn efternavn etternavn sukunimi nazwisko sobrenome";

/// Parts of the names of password columns.
pub(super) const PASSWORD_PARTS: &str = "\
    password passwd passcode passphrase passkey passwort kennwort losungswort zugangscode zugangsdaten geheim \
    motdepasse motsdepasse codeacces codedacces contrasena contrasenya contrasinal palabraclave clavedeacceso \
    codigodeacceso palavrapasse palavrachave senha parola parole parool salasona wachtwoord wagwoord toegangscode \
    losenord adgangskode kodeord passord tilgangskode salasana tunnusluku lykilord haslo heslo jelszo lozinka \
    zaporka geslo sifre slaptazod pasahitza cyfrinair pasfhocal matkhau katasandi пароль парола лозинка κωδικ \
    accesscode";
/// The same in scripts without spaces between words.
pub(super) const PASSWORD_SIGNS: &str = "\
    密码 密碼 口令 パスワード 暗証 비밀번호 암호 סיסמ كلمةالمرور";
/// Words that mean a password if a name contains one as a separate word.
pub(super) const PASSWORD_WORDS: &str = "\
    pin pins pincode pw pwd pwds pswd psw pass mdp clave secret secrets losen otp puk credential credentials";
/// Whole names that are about passwords but contain none.
pub(super) const ABOUT_PASSWORDS: &str = "\
    passwordneverexpires strongpasswordrequired lastpasswordchangetimestamp lastpasswordchangedatetime \
    passwordpolicies passwordhashfunction passwordhashfunctionuploadonly passwordlastset passwordexpired \
    passwordnotrequired cannotchangepassword changepasswordatnextsignin changepasswordatnextlogin badpasswordtime \
    badpwdcount pwdlastset forcechangepassword";

/// More words of columns that never contain passwords.
pub(super) const HARMLESS: &str = "\
    pupil pupils pupilno born birthplace placeofbirth height boards boarder boarding student students studentid studentnumber pupilid pupilnumber teacher tutor year yeargroup grade \
    grades gradelevel form formgroup class classname house room homeroom group groups section school schoolname \
    campus course courses role roles gender sex birthday birthdate dateofbirth dob startdate enddate entrydate \
    admissionno admissionnumber registrationgroup reggroup profile klasse klassen stufe jahrgang schule geschlecht \
    geburtsdatum klas leerjaar stamnummer tussenvoegsel leerlingnummer classe niveau naissance neele sexe \
    etablissement clase curso grupo alumno klass arskurs klasa luokka turma escola department departement \
    abteilung departamento reparto afdeling avdelning avdeling osasto dzial jobtitle title titel position company \
    companyname office officelocation officenumber physicaldeliveryofficename manager team costcenter costcentre \
    building location site employeeid employeenumber employeetype employeetitle description notes note remarks \
    bemerkung division orgunitpath organization organisation street streetaddress address city town state \
    stateorprovince province zip ziporpostalcode postalcode postcode country countryorregion countryregion \
    usagelocation preferredlanguage language timezone strasse plz ort stadt land ville pays ciudad phone \
    phonenumber telephone telephonenumber mobile mobilephone officephone businessphones fax telefon telefono sms \
    alias mailnickname usertype accountenabled enabled status active blockcredential blocksignin licenses license \
    dirsyncenabled directorysynced whencreated createddatetime creationtype identityissuer lastsignin \
    invitationstate agegroup row no nr number nummer datelastmodified enableduser identifier idnumber \
    recipienttype recipienttypedetails errorcode errormessage attempts changedat verifiedat sessionsrevoked";
