/** The commonest passwords of at least 8 characters from published leaks, in folded form. Nobody may choose them. */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
12345678 123456789 1234567890 0123456789 123123123 87654321 987654321 0987654321 147258369 789456123 123654789
12341234 11223344 1122334455 112233445566 12344321 1234554321 123321123 1357924680 13579246810 102030405060 10203040
20202020 123456123456 123456789a 123456789q 1234567a 12345678a a12345678 a123456789 123456abc abc123456 abc12345
abcd1234 1234abcd abc123abc abcdefgh abcdefg1 abcdefghi abcdefghij a1b2c3d4 a1b2c3d4e5 aa123456 aa12345678 1a2b3c4d
q1w2e3r4 q1w2e3r4t5 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 zaq12wsx zaq1zaq1 qazwsxedc
qazwsx123 qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 123qwe123 123qweasd 123qweasdzxc
qweasdzxc qwe123qwe qwerasdf qwer1234 asdfghjk asdfghjkl asdf1234 asdfasdf zxcvbnm1 zxcvbnm123 zxcvbnm, 1234qwer
password password1 password12 password123 password1234 password! passw0rd p@ssw0rd p@ssword pa$$word password01
passwort passwort1 motdepasse contrasena mypassword newpassword changeme changeme1 changeme123 letmein1 letmein123
welcome1 welcome12 welcome123 welcome01 iloveyou iloveyou1 iloveyou2 iloveyou! loveyou1 iloveu123 woaini123
woaini1314 woaini520 woaini521 5201314520 520131400 5201314a wo123456 woshishui nihao123 admin123 admin1234
administrator rootroot root1234 superman superman1 batman123 spiderman pokemon1 starwars starwars1 football football1
baseball baseball1 basketball liverpool liverpool1 chelsea1 arsenal1 barcelona juventus realmadrid manchester
sunshine sunshine1 princess princess1 butterfly chocolate jennifer michelle michael1 jonathan alexander samantha
charlie1 computer computer1 internet trustno1 whatever whatever1 dragon12 dragon123 monkey12 monkey123 shadow123
master123 killer123 mustang1 corvette mercedes porsche1 ferrari1 samsung1 samsung123 google123 facebook facebook1
linkedin1 microsoft qwertz123 qwertzui azertyui azertyuiop azerty123 blink182 metallica slipknot nirvana1 hello123
hello1234 helloworld hellohello test1234 test12345 testtest testing1 testing123 demo1234 guest123 user1234 username
secret123 secret12 access14 login123 server123 database oracle123 system123 default1 temp1234 fastim123 fastimfastim
summer123 summer2024 summer2025 summer2026 winter123 winter2024 winter2025 winter2026 spring2025 spring2026
autumn2025 january1 december october1 november september monday123 freedom1 forever1 friends1 family123 babygirl
babygirl1 lovelove lovers12 sweetheart angel123 jesus123 jesuschrist heaven777 christian blessed1 america1 canada123
london123 newyork1 australia password2 password3 passwords pass1234 pass12345 pass123456 passpass
`
    .trim()
    .split(/\s+/),
);
